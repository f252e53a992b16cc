"""Destinations: where lists are sent beside the folder of the home; one file each."""
