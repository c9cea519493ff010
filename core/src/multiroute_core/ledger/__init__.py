"""What calls came to: records on their way to a store, and the store that needs no file."""
