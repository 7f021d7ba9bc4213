"""The delivery worker: claims events that may be due, sends them to their webhooks, finishes them."""
