" Two columns for each bracket that is open.
if exists("b:did_indent")
  finish
endif
let b:did_indent = 1

setlocal indentexpr=EntrackIndent(v:lnum)
setlocal indentkeys=0},0],0),o,O
let b:undo_indent = "setlocal indentexpr< indentkeys<"

if exists("*EntrackIndent")
  finish
endif

function! EntrackIndent(line) abort
  let l:before = prevnonblank(a:line - 1)
  if l:before == 0
    return 0
  endif
  let l:text = s:code(getline(l:before))
  let l:opens = count(l:text, "{") + count(l:text, "[") + count(l:text, "(")
  let l:closes = count(l:text, "}") + count(l:text, "]") + count(l:text, ")")
  let l:leads = strlen(matchstr(l:text, '^\s*\zs[]})]*'))
  let l:ends = strlen(matchstr(getline(a:line), '^\s*\zs[]})]*'))
  return max([0, indent(l:before) + shiftwidth() * (l:opens - l:closes + l:leads - l:ends)])
endfunction

" A line without its strings and its comment.
function! s:code(text) abort
  return substitute(substitute(a:text, '"\([^"\\]\|\\.\)*"', '', 'g'), '#.*', '', '')
endfunction
