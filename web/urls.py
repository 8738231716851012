"""Addresses of the face's own pages."""

from django.urls import path

from web import views

app_name = "web"
urlpatterns = [path("style/", views.style, name="style")]
