"""A model behind an OpenAI-compatible server.

server_model.py    the model
discovery.py       which models the server has
http_client.py     one request, bounded in time and size
url.py             the server's address
token_estimate.py  tokens of a text for an unknown vocabulary
"""
