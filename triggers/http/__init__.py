"""Sends webhook requests over HTTP. Only here is aiohttp's client known."""
