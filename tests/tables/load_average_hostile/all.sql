SELECT * FROM load_average;
