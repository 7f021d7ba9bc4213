"""The routes, one module for each thing that the API knows."""
