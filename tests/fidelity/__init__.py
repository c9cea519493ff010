"""How faithful the adapters are, shown on recorded traffic. `README.md` says how it is built."""
