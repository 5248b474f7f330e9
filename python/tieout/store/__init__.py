"""The book: its tables, the one reader and the one writer, migrations, adopting an old one."""
