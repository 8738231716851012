"""Keeps payloads as they came: signatures and hashes hardly shrink; trying costs 5 µs an item of evidence."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE ledger_statement ALTER COLUMN payload SET STORAGE EXTERNAL",
            "ALTER TABLE ledger_statement ALTER COLUMN payload SET STORAGE EXTENDED",
        ),
    ]
