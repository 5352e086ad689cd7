SELECT * FROM startup_items WHERE type = 'systemd unit';
