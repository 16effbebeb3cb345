"""The description of the API, made from what the operations say about themselves."""
