"""What a browser shows, built with NiceGUI: `page.py` is the whole, each other file one part of it."""
