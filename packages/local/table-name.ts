/** @module The name of the one table in the database of a data folder. */
export const TABLE_NAME = "atelier";
