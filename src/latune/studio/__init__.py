"""The studio: a trained model in the browser, its coordinates and controls under the hand, seen and heard.

`serving.py` is the server and `studio.py` what it holds; `session.py` is one person's page, `state.py` what they have
set, `playing.py` what that makes. `stream.py` is how a hand and a picture meet. What a browser shows is built in
`pages/`, and painted and played by the few plain scripts in `static/`.
"""

from latune.studio.serving import HOST, PORT, serve

__all__ = ["HOST", "PORT", "serve"]
