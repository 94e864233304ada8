"""``python -m fangpinbao``."""

from fangpinbao.cli import main

if __name__ == "__main__":
    main()
