"""Sends webhook requests over HTTP. Here, and in `triggers.exchanges`, aiohttp's client is known."""
