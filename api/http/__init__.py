"""How requests and answers travel: who may ask, what is refused before a route sees it, and how answers are sent."""
