"""Clusters whose sites belong to several organisations; the next sweep says which."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("audits", "0001_initial")]

    operations = [migrations.AddField("cluster", "is_shared", models.BooleanField(default=False))]
