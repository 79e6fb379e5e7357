"""How sharp a point is, what bounds its sharpness, and which step sizes are stable there."""
