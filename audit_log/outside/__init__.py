"""What comes from outside: answers over HTTP, and the time that an authority vouches for."""
