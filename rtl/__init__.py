"""The core in Amaranth; rtl/x.py has its golden twin in golden/x.py."""
