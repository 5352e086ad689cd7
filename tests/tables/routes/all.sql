SELECT * FROM routes;
