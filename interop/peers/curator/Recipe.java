/** What a handle is made of. */
interface Recipe {
  /** Runs a verb and returns what the reply holds after "ok". */
  String run(String verb, String[] args) throws Exception;
}
