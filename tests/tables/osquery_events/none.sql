SELECT name, publisher, type, events, active, received FROM osquery_events WHERE name IN ('file_events', 'inotify')
