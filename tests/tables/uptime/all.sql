SELECT * FROM uptime;
