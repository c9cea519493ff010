"""Facts about models for MultiRoute: data only. The core reads the files and never imports this."""
