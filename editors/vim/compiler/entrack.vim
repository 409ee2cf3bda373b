" `:make` checks a spec, and the quickfix list has its errors and warnings.
if exists("current_compiler")
  finish
endif
let current_compiler = "entrack"

let s:command = get(g:, "entrack_command", "entrack")
execute "CompilerSet makeprg=" . escape(s:command . " check %:S", ' \|"')

" error[E201]: no prompts are called `scrambeld`
"    --> specs/two.et:31:38
" and below that the text, its help and its page; a failure of the surroundings is one line.
CompilerSet errorformat=
      \%E%trror[E%n]:\ %m,
      \%W%tarning[W%n]:\ %m,
      \%C%*\\s-->\ %f:%l:%c,
      \%-Z,
      \%Eerror:\ %m,
      \%-G%.%#
