"""Which installation a silence counts from: chips in service count from the one they have."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tracking", "0001_initial")]

    operations = [
        migrations.AddField("holding", "clock_from", models.DateTimeField(null=True)),
        migrations.RunSQL(
            "UPDATE tracking_holding SET clock_from = installed_at WHERE installed_at IS NOT NULL",
            migrations.RunSQL.noop,
        ),
    ]
