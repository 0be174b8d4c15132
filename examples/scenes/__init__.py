"""Example: a scene's object as four attributes, from one product vector (see README.md)."""
