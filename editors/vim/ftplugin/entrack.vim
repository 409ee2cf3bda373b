" Specs of entrack (.et): comments, folding by blocks, `gq` and `:make`.
if exists("b:did_ftplugin")
  finish
endif
let b:did_ftplugin = 1

setlocal commentstring=#\ %s
setlocal comments=:#
setlocal formatoptions-=t
setlocal formatoptions+=croql
setlocal expandtab shiftwidth=2 softtabstop=2
setlocal foldmethod=syntax foldlevel=99
setlocal include=^\\s*include
setlocal suffixesadd=.et
compiler entrack

" The whole file in the one style there is. A spec with errors stays as it is, and `:make` says which.
command! -buffer EntrackFormat call s:format()
nnoremap <buffer> <silent> <Plug>(entrack-format) :EntrackFormat<CR>

if !exists("*s:format")
  function! s:format() abort
    let l:file = tempname() . ".et"
    call writefile(getline(1, "$"), l:file)
    let l:text = systemlist(get(g:, "entrack_command", "entrack") . " fmt --stdout " . shellescape(l:file))
    let l:failed = v:shell_error
    call delete(l:file)
    if l:failed
      echohl WarningMsg | echo "entrack fmt: the spec has errors; :make says which" | echohl None
      return
    endif
    let l:view = winsaveview()
    call setline(1, l:text)
    if line("$") > len(l:text)
      execute "silent keepjumps " . (len(l:text) + 1) . ",$delete _"
    endif
    call winrestview(l:view)
  endfunction
endif

let b:undo_ftplugin = "setlocal commentstring< comments< formatoptions< expandtab< shiftwidth< softtabstop<"
      \ . " foldmethod< foldlevel< include< suffixesadd< makeprg< errorformat< | delcommand EntrackFormat"
