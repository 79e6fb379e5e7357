"""Interpolators of least norm and of least sharpness, and the programmes that find them."""
