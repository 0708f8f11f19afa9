import js from "@eslint/js";

// The files of src become one script, so a name may come from another file: tsc tells which are
// unknown or unused.
export default [
  js.configs.recommended,
  {
    languageOptions: { sourceType: "script" },
    rules: {
      "no-undef": "off",
      "no-unused-vars": "off",
      "no-redeclare": ["error", { builtinGlobals: false }],
      "no-control-regex": "off",
      "no-var": "error",
      "prefer-const": "error",
      eqeqeq: ["error", "always", { null: "ignore" }],
      "no-eval": "error",
      "no-implied-eval": "error",
    },
  },
];
