"""Durable long work: rows in PostgreSQL are the queue of record, Celery only wakes them."""
