"""Terrarium: the window into the hive. Only this package and its tests know Textual."""
