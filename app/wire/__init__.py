"""What goes over the wire: a struct for each body, plain functions between it and the domain."""
