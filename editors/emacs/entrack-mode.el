;;; entrack-mode.el --- Major mode for entrack specs  -*- lexical-binding: t; -*-

;; Copyright (c) 2026 The entrack authors
;; SPDX-License-Identifier: MIT
;; Version: 0.1.0
;; Package-Requires: ((emacs "27.1"))
;; Keywords: languages

;;; Commentary:

;; Colours, comments, indentation, an index and `compile' for specs of entrack
;; (.et), a language for causal interventions on language models.  `eglot'
;; starts the language server, where pip install 'entrack[lsp]' put it:
;;
;;   (add-to-list 'load-path ".../editors/emacs")
;;   (require 'entrack-mode)
;;   (add-hook 'entrack-mode-hook #'eglot-ensure)

;;; Code:

(require 'compile)

(defgroup entrack nil
  "Specs of entrack."
  :group 'languages)

(defcustom entrack-command "entrack"
  "The command `entrack', with its folder where it is not on the path."
  :type 'string)

(defcustom entrack-indent-offset 2
  "Columns by which a block is indented."
  :type 'integer
  :safe #'integerp)

;; These lists are written by editors/keywords.py.

(defconst entrack-declaring-words
  '("alternate" "circuit" "desideratum" "discover" "group" "intervention" "mask"
    "measure" "model" "param" "task" "vector")
  "Of the words that begin an item, those that stand before its name.")

(defconst entrack-item-words
  '("about" "alternate" "circuit" "claim" "desideratum" "discover" "entrack"
    "figure" "group" "include" "intervention" "mask" "measure" "model" "param"
    "seed" "table" "task" "vector")
  "All words that begin an item.")

(defconst entrack-word-words
  '("KL" "accuracy" "add" "against" "and" "any" "at" "attention" "attribution"
    "block" "by" "certified" "check" "clean" "coloured" "completeness" "confirm"
    "difference" "direct" "distinct" "draws" "elsewhere" "end" "entropy" "error"
    "every" "except" "for" "freeze" "fresh" "from" "heads" "highest" "in" "index"
    "keep" "layers" "lens" "like" "log" "logit" "loss" "lowest" "mean"
    "minimality" "mlps" "noise" "of" "on" "one" "out" "over" "overlap" "parts"
    "patch" "positions" "probability" "project" "prompts" "published" "racing"
    "random" "rank" "recovery" "redraw" "relative" "row" "sample" "scale" "score"
    "screen" "sd" "shuffle" "significant" "span" "steps" "strongest" "target" "to"
    "token" "tokens" "top" "up" "where" "whole" "with" "within" "zero")
  "All other words of the language.")

(defconst entrack-given-words
  '("logits" "nothing" "original")
  "Names that every spec has.")

(defconst entrack--not-after-point "\\(?:^\\|[^.[:word:]_]\\)"
  "Before a word of the language: after a point it is a name.")

(defun entrack--words (words &optional after)
  "A regular expression for WORDS, not after a point, and then AFTER."
  (concat entrack--not-after-point (regexp-opt words t) "\\_>" after))

(defconst entrack-font-lock-keywords
  `((,(concat entrack--not-after-point "\\(alternate\\)\\.") 1 font-lock-builtin-face)
    (,(entrack--words entrack-declaring-words "[ \t]+\\([[:alpha:]_][[:word:]_]*\\)")
     (1 font-lock-keyword-face) (2 font-lock-variable-name-face))
    (,(entrack--words entrack-item-words) 1 font-lock-keyword-face)
    ("\\_<\\(?:mlp\\|attention\\|residual\\|neuron\\)\\(?:\\.[[:word:]_]+\\)+" 0 font-lock-constant-face)
    (,(entrack--words entrack-word-words) 1 font-lock-type-face)
    (,(entrack--words entrack-given-words) 1 font-lock-builtin-face)
    (,(concat entrack--not-after-point "\\([[:alpha:]_][[:word:]_]*\\)(") 1 font-lock-function-name-face)
    ("{[^{}\"\n]*}" 0 (entrack--hole) t))
  "What is coloured in a spec, beside comments and strings.")

(defun entrack--hole ()
  "The face of what is between braces: a hole, where that is in a string."
  (and (nth 3 (save-excursion (syntax-ppss (match-beginning 0)))) 'font-lock-variable-name-face))

(defvar entrack-mode-syntax-table
  (let ((table (make-syntax-table)))
    (modify-syntax-entry ?# "<" table)
    (modify-syntax-entry ?\n ">" table)
    (modify-syntax-entry ?\" "\"" table)
    (modify-syntax-entry ?_ "_" table)
    (modify-syntax-entry ?. "." table)
    (dolist (sign '(?+ ?- ?* ?/ ?= ?< ?> ?! ?%))
      (modify-syntax-entry sign "." table))
    table)
  "Syntax of specs.")

(defun entrack-indent-line ()
  "Indent this line by the brackets that it stands in."
  (interactive)
  (let ((beyond (- (current-column) (current-indentation))))
    (indent-line-to (entrack--indentation))
    (when (> beyond 0)
      (forward-char beyond))))

(defun entrack--indentation ()
  "Columns by which this line is to be indented."
  (save-excursion
    (back-to-indentation)
    (let* ((state (syntax-ppss))
           (closes (looking-at-p "[]})]"))
           (depth (- (car state) (if closes 1 0))))
      (if (nth 3 state)
          (current-indentation)
        (* entrack-indent-offset (max 0 depth))))))

(defvar entrack-imenu-generic-expression
  `((nil ,(concat "^[ \t]*" (regexp-opt entrack-declaring-words 'words) "[ \t]+\\([[:alpha:]_][[:word:]_]*\\)") 2))
  "The names that a spec declares.")

(defun entrack-format ()
  "Write this spec in the one style there is, by `entrack fmt'."
  (interactive)
  (let ((file (make-temp-file "entrack" nil ".et"))
        (made (generate-new-buffer " *entrack fmt*")))
    (unwind-protect
        (progn
          (write-region nil nil file nil 'silent)
          (if (zerop (call-process entrack-command nil (list made nil) nil "fmt" "--stdout" file))
              (replace-buffer-contents made)
            (message "entrack fmt: the spec has errors")))
      (kill-buffer made)
      (delete-file file))))

(defun entrack-run ()
  "Run this spec, with results in out/NAME."
  (interactive)
  (let ((spec (file-relative-name buffer-file-name)))
    (compile (mapconcat #'shell-quote-argument
                        (list entrack-command "run" spec "--out" (concat "out/" (file-name-base spec)))
                        " "))))

(defvar entrack-mode-map
  (let ((map (make-sparse-keymap)))
    (define-key map (kbd "C-c C-f") #'entrack-format)
    (define-key map (kbd "C-c C-c") #'entrack-run)
    map)
  "Keys of specs.")

(add-to-list 'compilation-error-regexp-alist-alist
             '(entrack "^ *--> \\(.+\\):\\([0-9]+\\):\\([0-9]+\\)$" 1 2 3))
(add-to-list 'compilation-error-regexp-alist 'entrack)

;;;###autoload
(define-derived-mode entrack-mode prog-mode "entrack"
  "Major mode for specs of entrack."
  (setq-local comment-start "# ")
  (setq-local comment-start-skip "#+[ \t]*")
  (setq-local comment-end "")
  (setq-local indent-tabs-mode nil)
  (setq-local indent-line-function #'entrack-indent-line)
  (setq-local electric-indent-chars (append "}])" electric-indent-chars))
  (setq-local font-lock-defaults '(entrack-font-lock-keywords))
  (setq-local imenu-generic-expression entrack-imenu-generic-expression)
  (when buffer-file-name
    (setq-local compile-command
                (concat entrack-command " check "
                        (shell-quote-argument (file-name-nondirectory buffer-file-name))))))

;;;###autoload
(add-to-list 'auto-mode-alist '("\\.et\\'" . entrack-mode))

(defvar eglot-server-programs)
(with-eval-after-load 'eglot
  (add-to-list 'eglot-server-programs
               `(entrack-mode . ,(lambda (&rest _) (list entrack-command "lsp")))))

(provide 'entrack-mode)
;;; entrack-mode.el ends here
