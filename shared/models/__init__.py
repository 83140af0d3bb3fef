"""What travels between the parts: frozen, checked at birth."""
