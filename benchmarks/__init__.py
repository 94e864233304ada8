"""Speed and memory of fangpinbao, beside the same problem in vectorised numpy. Not part of the package."""
