"""The OpenAPI document, made from the operations that stand beside the handlers."""
