"""Plain-number engine: arrays in, arrays out; no names, no files, no pandas."""
