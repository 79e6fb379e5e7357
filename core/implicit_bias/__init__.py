"""What gradient flow and finite steps conserve, and which interpolator that makes them choose."""
