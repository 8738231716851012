"""Leaves room beside each sighting: every chip's row changes once a cadence, and then stays on its page (HOT)."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("attestations", "0001_initial")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE attestations_sighting SET (fillfactor = 60)",
            "ALTER TABLE attestations_sighting RESET (fillfactor)",
        ),
    ]
