from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notices", "0002_mail_and_webhooks")]

    operations = [
        migrations.AddField(
            model_name="delivery",
            name="asked_seconds",
            field=models.IntegerField(null=True),
        ),
    ]
