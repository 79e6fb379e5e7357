"""A broker apart from the store: a real RabbitMQ, and what becomes of the work when it goes."""
