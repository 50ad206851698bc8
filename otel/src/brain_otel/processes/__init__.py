"""The processor's processes: workers, the side process, and a small parent that keeps them."""
