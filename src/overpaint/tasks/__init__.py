"""Tasks, their states and the SQL store that keeps them; keys with their quotas; uploads."""
