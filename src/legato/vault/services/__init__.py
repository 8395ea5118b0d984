"""Key services that keep master keys elsewhere: they wrap data keys, and never give a key away."""
