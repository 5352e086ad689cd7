SELECT * FROM etc_protocols;
