/** The recipe of a handle. */
interface Recipe {
  /** Runs a verb and returns the result for the reply. */
  String run(String verb, String[] args) throws Exception;
}
