CREATE TABLE seat (id bigint PRIMARY KEY);
