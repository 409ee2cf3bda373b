"""What all tests share: `strategies`, found because this file stands beside it."""
