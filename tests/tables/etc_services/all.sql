SELECT * FROM etc_services;
SELECT name FROM etc_services WHERE port = 53;
